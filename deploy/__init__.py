"""From this checkout to the cloud: the functions' archive, and what the pages about it say."""
