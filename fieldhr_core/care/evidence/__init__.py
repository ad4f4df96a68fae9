"""What a store and its runtime can prove of themselves: checks that try what must not work, held against standards."""
