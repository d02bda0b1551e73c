"""What a user would build instead: Litestar, asyncpg and PostgreSQL."""
