"""``fieldhr trial own``: a prospect's own customers and tracks through the product, with planted cases on request."""
