"""Class heatmaps: Grad-CAM from features and weights, by gradients, by occlusion; and overlays."""
