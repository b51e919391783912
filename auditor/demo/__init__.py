"""`auditor demo`: drawn cat and dog stickers with known faults planted among them."""
