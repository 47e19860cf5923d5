"""Units in real time: a plant under a scenario, its controllers, and the service that runs them."""
