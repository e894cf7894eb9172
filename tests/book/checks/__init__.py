"""The house's promises: each check reads only the tree and returns what breaks them."""
