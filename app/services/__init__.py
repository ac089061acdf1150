"""What the platform does, whatever the face."""
