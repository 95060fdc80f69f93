"""Policy files into policies: reading, checks, exceptions, the folder in force and its watch."""
