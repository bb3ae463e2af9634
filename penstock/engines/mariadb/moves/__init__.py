"""What each verb sends to the server, and what it makes of the answers."""
