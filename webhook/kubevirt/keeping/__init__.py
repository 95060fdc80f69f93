"""How a VM stays the machine that it is: what is stated in it and noted beside it, and what comes back."""
