"""The pages of `auditor explain`: one for an image, one for a folder."""
