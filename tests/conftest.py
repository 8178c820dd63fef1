"""What all tests share."""

pytest_plugins = ["fixtures_device", "fixtures_lab"]
