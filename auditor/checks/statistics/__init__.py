"""What the rules about the data set measure, over arrays: differences between classes, between splits, and places."""
