"""A shop of three services: storefront → orders → inventory."""
