"""What each writing verb does within a commit. Each takes many and answers each in its place."""
