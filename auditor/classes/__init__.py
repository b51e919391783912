"""Class names: matching those of the model to those of the folder, and the classes of ImageNet."""
