"""The screens, one file per subject; each has SCREENS and ACTIONS."""
