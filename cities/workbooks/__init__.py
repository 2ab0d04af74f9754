"""The form that a city fills in with Excel, WPS or LibreOffice: written, read back, compared with the system."""
