/** Password of every person in a world. In a file of its own, because cast.ts loads the nouns. */
export const PASSWORD = 'correct horse battery staple'
