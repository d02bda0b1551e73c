"""Properties (contract §10): what documents show of them, and what operators wrote about them."""
