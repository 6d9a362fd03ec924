"""What people look at: contact sheets, heat maps, maps of features, animations, the report."""
