"""The embedded engine: meetings in this very process."""
