"""What is looked at in images before anything is trained."""
