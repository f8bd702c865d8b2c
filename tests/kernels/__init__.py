"""Tests of the kernels: a package, for their names are those of other rooms' tests too."""
