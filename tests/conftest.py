"""What all tests share."""

pytest_plugins = ["fixtures_board", "fixtures_device", "fixtures_jobs", "fixtures_signing"]
