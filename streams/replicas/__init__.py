"""Topics that every node folds whole: the accounts, and the companies with what is written about properties."""
