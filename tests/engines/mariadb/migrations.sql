select number, name from migration order by number;
