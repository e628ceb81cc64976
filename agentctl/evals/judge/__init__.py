"""A second model that scores answers: what it is shown, what it may say, and where its verdicts are recorded."""
