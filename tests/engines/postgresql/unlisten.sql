-- Nothing is heard here any more, as behind a pooler that keeps notifications to itself.
unlisten *
