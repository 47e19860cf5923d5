"""What the rules report: an alert begins, changes or ends; and those changes as whole alerts."""
