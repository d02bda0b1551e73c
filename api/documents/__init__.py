"""What clients and consumers are generated from: OpenAPI for HTTP, AsyncAPI for the topics (contract §13)."""
