"""Our paths against what they cannot beat, measured in the same run. Outside the tests: `./run bench`."""
