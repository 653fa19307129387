(()=>{var{lang:e}=document.documentElement;for(let r of document.querySelectorAll("time"))r.textContent=new Date(r.dateTime).toLocaleString(e,{dateStyle:"long",timeStyle:"short"});})();
