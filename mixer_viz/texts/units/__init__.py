"""Words about units and pictures: what a unit wants, what a survey of many found, and two networks side by side."""
