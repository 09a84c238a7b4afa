/** Every word the product says on screen. English first; another language is another module of the same shape. */
export { shared } from './shared.ts';
export { client } from './client.ts';
