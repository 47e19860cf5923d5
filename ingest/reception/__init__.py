"""What a delivered message comes to: accepted readings, dead letters, counts. Pure but for the list of devices."""
