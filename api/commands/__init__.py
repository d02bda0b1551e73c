"""What the service does for a request: resolve whom it means, make the event, append it, wait for its fold."""
