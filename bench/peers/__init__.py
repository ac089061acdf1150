"""What the product is measured against: a stock Flask-Admin, bare Flask, a hand-written loop."""
