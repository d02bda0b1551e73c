"""Where the service's CPU goes, request by request and profile by profile, and the floors of its parts."""
