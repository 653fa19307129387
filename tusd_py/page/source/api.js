// The API's description, by Swagger UI.
SwaggerUIBundle({
  url: new URL('api/openapi.json', document.baseURI).href,
  dom_id: '#api',
  deepLinking: true,
  validatorUrl: null,
})
