"""Words about units and pictures: what a unit wants, and what a survey of many pictures found."""
