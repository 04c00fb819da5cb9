"""What browsers get, as it stands here: HTML, style sheets and ES modules; ``main.js`` is where it starts."""
