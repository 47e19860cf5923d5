"""Pure physics, vectorised over units: time and weather go in, the next state comes out."""
