"""A real control plane, an emulated AWS and a Qualys gateway, for the demo, the tests and the benchmarks."""
