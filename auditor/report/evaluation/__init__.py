"""The page of an evaluation, with learning curves where the model was trained here."""
