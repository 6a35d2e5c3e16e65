"""An entry of ``PYTHONPATH``, for the one module in it that Python imports by itself."""
