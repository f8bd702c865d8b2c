"""What becomes of documents under one pipeline and another: funnels, who comes and goes, tokens that would be."""
