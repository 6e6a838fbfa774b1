"""How a search divides its length between its steps and the comparison of finalists."""
