// Skein
