"""How well detection tells harvests from ordinary use, and the fit of the reference that ships."""
