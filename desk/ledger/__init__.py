"""What stands in the district: gateways and devices, in and out of service."""
