"""Labels on thermal printers: the same drawing as dots, in the printers' languages, over the network."""
