# Tests: unit/ mirrors core/, db/ talks to servers that it starts itself.
